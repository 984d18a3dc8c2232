/* What cppcheck cannot see, since it reads no system headers: the loops of jansson. */
#define json_array_foreach(array, index, value)                                                    \
	for (index = 0;                                                                            \
	     index < json_array_size(array) && (value = json_array_get(array, index)) != 0;        \
	     index++)
#define json_object_foreach(object, key, value)                                                    \
	for (key = json_object_iter_key(json_object_iter(object));                                 \
	     key != 0 && (value = json_object_get(object, key)) != 0;                              \
	     key = json_object_iter_key(                                                           \
		 json_object_iter_next(object, json_object_iter_at(object, key))))
